rule repertoire:
    input:
        needs("repertoire"),
    output:
        STATUS.format("repertoire/{unit}"),
    params:
        fingerprint=fingerprint("repertoire"),
    shell:
        COMMAND + "repertoire/{wildcards.unit}"


rule persistence:
    input:
        needs("persistence"),
    output:
        STATUS.format("persistence/{unit}"),
    params:
        fingerprint=fingerprint("persistence"),
    shell:
        COMMAND + "persistence/{wildcards.unit}"


rule overlap:
    input:
        needs("overlap"),
    output:
        STATUS.format("overlap/{unit}"),
    params:
        fingerprint=fingerprint("overlap"),
    shell:
        COMMAND + "overlap/{wildcards.unit}"
