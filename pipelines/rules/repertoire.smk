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


rule cell_labels:
    input:
        needs("cell_labels"),
    output:
        STATUS.format("cell_labels/{unit}"),
    params:
        fingerprint=fingerprint("cell_labels"),
    shell:
        COMMAND + "cell_labels/{wildcards.unit}"


rule overlap:
    input:
        needs("overlap"),
    output:
        STATUS.format("overlap/{unit}"),
    params:
        fingerprint=fingerprint("overlap"),
    shell:
        COMMAND + "overlap/{wildcards.unit}"


rule diversity:
    input:
        needs("diversity"),
    output:
        STATUS.format("diversity/{unit}"),
    params:
        fingerprint=fingerprint("diversity"),
    shell:
        COMMAND + "diversity/{wildcards.unit}"


rule diversity_over_study:
    input:
        needs("diversity_over_study"),
    output:
        STATUS.format("diversity_over_study/{unit}"),
    params:
        fingerprint=fingerprint("diversity_over_study"),
    shell:
        COMMAND + "diversity_over_study/{wildcards.unit}"


rule contamination:
    input:
        needs("contamination"),
    output:
        STATUS.format("contamination/{unit}"),
    params:
        fingerprint=fingerprint("contamination"),
    shell:
        COMMAND + "contamination/{wildcards.unit}"


rule template_counting:
    input:
        needs("template_counting"),
    output:
        STATUS.format("template_counting/{unit}"),
    params:
        fingerprint=fingerprint("template_counting"),
    shell:
        COMMAND + "template_counting/{wildcards.unit}"


rule tracking:
    input:
        needs("tracking"),
    output:
        STATUS.format("tracking/{unit}"),
    params:
        fingerprint=fingerprint("tracking"),
    shell:
        COMMAND + "tracking/{wildcards.unit}"


rule persistence_kinetics:
    input:
        needs("persistence_kinetics"),
    output:
        STATUS.format("persistence_kinetics/{unit}"),
    params:
        fingerprint=fingerprint("persistence_kinetics"),
    shell:
        COMMAND + "persistence_kinetics/{wildcards.unit}"
