rule expression:
    input:
        needs("expression"),
    output:
        STATUS.format("expression/{unit}"),
    params:
        fingerprint=fingerprint("expression"),
    shell:
        COMMAND + "expression/{wildcards.unit}"
