rule cytokine_plates:
    input:
        needs("cytokine_plates"),
    output:
        STATUS.format("cytokine_plates/{unit}"),
    params:
        fingerprint=fingerprint("cytokine_plates"),
    shell:
        COMMAND + "cytokine_plates/{wildcards.unit}"


rule cytokines:
    input:
        needs("cytokines"),
    output:
        STATUS.format("cytokines/{unit}"),
    params:
        fingerprint=fingerprint("cytokines"),
    shell:
        COMMAND + "cytokines/{wildcards.unit}"
