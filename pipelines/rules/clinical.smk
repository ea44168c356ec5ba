rule clinical:
    input:
        needs("clinical"),
    output:
        STATUS.format("clinical/{unit}"),
    params:
        fingerprint=fingerprint("clinical"),
    shell:
        COMMAND + "clinical/{wildcards.unit}"
