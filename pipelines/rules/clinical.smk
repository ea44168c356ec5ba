rule clinical:
    input:
        needs("clinical"),
    output:
        STATUS.format("clinical/{unit}"),
    params:
        fingerprint=fingerprint("clinical"),
    shell:
        COMMAND + "clinical/{wildcards.unit}"


rule response_rates:
    input:
        needs("response_rates"),
    output:
        STATUS.format("response_rates/{unit}"),
    params:
        fingerprint=fingerprint("response_rates"),
    shell:
        COMMAND + "response_rates/{wildcards.unit}"


rule survival:
    input:
        needs("survival"),
    output:
        STATUS.format("survival/{unit}"),
    params:
        fingerprint=fingerprint("survival"),
    shell:
        COMMAND + "survival/{wildcards.unit}"
