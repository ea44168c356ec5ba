rule flow_panels:
    input:
        needs("flow_panels"),
    output:
        STATUS.format("flow_panels/{unit}"),
    params:
        fingerprint=fingerprint("flow_panels"),
    shell:
        COMMAND + "flow_panels/{wildcards.unit}"


rule flow_cuts:
    input:
        needs("flow_cuts"),
    output:
        STATUS.format("flow_cuts/{unit}"),
    params:
        fingerprint=fingerprint("flow_cuts"),
    shell:
        COMMAND + "flow_cuts/{wildcards.unit}"


rule flow:
    input:
        needs("flow"),
    output:
        STATUS.format("flow/{unit}"),
    params:
        fingerprint=fingerprint("flow"),
    shell:
        COMMAND + "flow/{wildcards.unit}"


rule flow_replicates:
    input:
        needs("flow_replicates"),
    output:
        STATUS.format("flow_replicates/{unit}"),
    params:
        fingerprint=fingerprint("flow_replicates"),
    shell:
        COMMAND + "flow_replicates/{wildcards.unit}"


rule til_survival:
    input:
        needs("til_survival"),
    output:
        STATUS.format("til_survival/{unit}"),
    params:
        fingerprint=fingerprint("til_survival"),
    shell:
        COMMAND + "til_survival/{wildcards.unit}"


rule intracellular:
    input:
        needs("intracellular"),
    output:
        STATUS.format("intracellular/{unit}"),
    params:
        fingerprint=fingerprint("intracellular"),
    shell:
        COMMAND + "intracellular/{wildcards.unit}"
