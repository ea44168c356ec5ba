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


rule safety:
    input:
        needs("safety"),
    output:
        STATUS.format("safety/{unit}"),
    params:
        fingerprint=fingerprint("safety"),
    shell:
        COMMAND + "safety/{wildcards.unit}"


rule labs:
    input:
        needs("labs"),
    output:
        STATUS.format("labs/{unit}"),
    params:
        fingerprint=fingerprint("labs"),
    shell:
        COMMAND + "labs/{wildcards.unit}"


rule markers:
    input:
        needs("markers"),
    output:
        STATUS.format("markers/{unit}"),
    params:
        fingerprint=fingerprint("markers"),
    shell:
        COMMAND + "markers/{wildcards.unit}"
