rule flow:
    input:
        needs("flow"),
    output:
        STATUS.format("flow/{unit}"),
    params:
        fingerprint=fingerprint("flow"),
    shell:
        COMMAND + "flow/{wildcards.unit}"
