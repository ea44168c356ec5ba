rule expression:
    input:
        needs("expression"),
    output:
        STATUS.format("expression/{unit}"),
    params:
        fingerprint=fingerprint("expression"),
    shell:
        COMMAND + "expression/{wildcards.unit}"


rule bulk_rna:
    input:
        needs("bulk_rna"),
    output:
        STATUS.format("bulk_rna/{unit}"),
    params:
        fingerprint=fingerprint("bulk_rna"),
    shell:
        COMMAND + "bulk_rna/{wildcards.unit}"


rule pseudobulk:
    input:
        needs("pseudobulk"),
    output:
        STATUS.format("pseudobulk/{unit}"),
    params:
        fingerprint=fingerprint("pseudobulk"),
    shell:
        COMMAND + "pseudobulk/{wildcards.unit}"


rule transcriptome:
    input:
        needs("transcriptome"),
    output:
        STATUS.format("transcriptome/{unit}"),
    params:
        fingerprint=fingerprint("transcriptome"),
    shell:
        COMMAND + "transcriptome/{wildcards.unit}"


rule cell_expression:
    input:
        needs("cell_expression"),
    output:
        STATUS.format("cell_expression/{unit}"),
    params:
        fingerprint=fingerprint("cell_expression"),
    shell:
        COMMAND + "cell_expression/{wildcards.unit}"
