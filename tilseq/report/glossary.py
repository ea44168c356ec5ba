"""What the words of the page mean: a sentence each."""

FLOW = {
    "Share of parent": "Events of a population over events of the population it was gated from.",
    "By counting, by gates": "The 95 % limits have two parts. By counting: another drop of the same blood would give "
    "somewhat other counts. By gates: a gate could as well lie a little to either side. The limits in brackets join "
    "both.",
    "Cells per µL": "Cells in a microlitre of blood: against beads of which a known number is in the tube, by the "
    "volume the instrument took, or by a blood count. The table says which.",
    "What adds to the error": "The parts of the error of cells per µL, each as a coefficient of variation (standard "
    "deviation in % of the value): counting cells, counting beads, the beads a lot puts into a tube, the pipette, the "
    "gates. They add up as squares: the largest decides.",
    "Threshold": "Cells above it bear the marker. In brackets where it could as well lie; of the lymphocytes’ region "
    "its centre, and in brackets where it ends.",
    "Separation": "How clear a threshold is: 1 where no event lies in the valley between the two peaks, 0 where there "
    "is no valley. It is 1 - height of the valley / height of the lower peak.",
    "valley, cohort, fallback, settings": "Where a threshold comes from: the valley between two peaks of the tube; the "
    "usual threshold of other tubes, borrowed as this tube has no clear valley (cohort); where neither was to be had "
    "the upper edge of the cells that lack the marker (fallback; of the lymphocytes a region of the usual size about "
    "the T cells); or the study’s settings, which someone set by hand.",
    "Usual threshold": "The median of the tubes of one panel, instrument and batch that have a clear valley. MAD is "
    "the median distance of their thresholds from it.",
    "Left out by time": "Share of events in stretches of the run that a clog, a bubble or a burst spoiled: cells came "
    "too slowly or too fast, or their signal jumped. These events take no part in any number.",
    "Verdict": "The worst of a tube’s checks. Warned: look at its gates before you rely on its numbers. Failed "
    "quality: do not rely on them.",
    "Mark": "The population that tells infused cells in blood: T cells that bear a marker, such as a V-beta or a "
    "multimer.",
    "Infused share, infused cells": "(visit - baseline) / (product - baseline) of the share of CD3+ cells that bear "
    "the mark, and this share of the CD3+ cells of a microlitre. An upper bound where marked infused cells fare as the "
    "others, as cells that were not infused may bear the mark too; where they fare worse it may lie below the truth.",
    "Above baseline": "Probability that the visit holds a larger share of marked cells than the baseline. Near 1 some "
    "are new; near one half nothing can be told.",
    "Area, half-life, lost by day": "The area under a series of visits, from day 0, straight up and exponential down; "
    "the days in which it falls by half after the peak; the first day after the last detection on which as much, and a "
    "tenth of the highest, would have been seen.",
    "Precision, recall, F1": "Of the automatic gates: the share of their events that the person has too, the share of "
    "the person’s events that they have, and the harmonic mean of both.",
    "DN T, DP T": "CD3+ cells with neither CD4 nor CD8, and with both.",
    "below the limit of quantification": "Some events, but too few for the share to be a number to rely on. Of "
    "infused cells: fewer than 50 marked events, or a coefficient of variation above 20 %.",
    "not detected": "Not one event; of infused cells, a probability above baseline below 0.95. The number behind < is "
    "the upper 95 % limit: there may be as much as that.",
}
CYTOKINES = {
    "Below the limit of quantification": "The signal is above that of blanks, and too weak for a number to rely on: "
    "the concentration is less than the limit.",
    "Not detected": "The signal is no more than that of blanks and two standard deviations. The limit is that of "
    "detection, at which a sample is missed every second time, or the end of the sample’s own 95 % interval if that is "
    "higher.",
    "Above the range": "The signal is above that of the highest standard that can be relied on: the concentration is "
    "more than the limit, and a further dilution would tell it.",
    "Fold change (×)": "The concentration over that of the baseline, the last specimen of its kind before treatment. "
    "Where one of both is out of range only a least (≥) or a most (≤) is known, where both are mostly nothing.",
    "Total, free": "TGF-β is latent in part: acid makes it measurable. Total is with acid, free without.",
    "Shared error": "By how much a level of the standards was diluted wrongly. All analytes of a plate show the same "
    "error, which tells it from their own, and it is taken out.",
    "Pass, within 20 %, by nominal": "A standard passes where its curve gives it back within 20 % (25 % at the limit "
    "of quantification) after shared errors, its wells agree to a CV of 20 %, and its signal alone is good for 25 %. "
    "Below it how many are given back within 20 %, whatever their wells: after shared errors, and by the sheet’s "
    "concentrations.",
    "Curves": "Analytes with a standard curve that can be used.",
    "Less unstimulated": "Share of the population’s cells that bear the cytokine in the stimulated tube less that in "
    "the unstimulated tube of the same specimen, which is the background.",
    "Responds, no response, not evaluable": "Whether the difference is one that the study’s rule accepts; without "
    "enough cells, or with a tube that failed, nothing can be told.",
}
REPERTOIRE = {
    "Mass": "Share of this sample’s repertoire, counted in cells or molecules, that belongs to clones seen in the "
    "reference’s file. Clones match by locus and nucleotide junction.",
    "Of which new": "Mass of the clones that blood before the infusion does not show. Some were there and missed.",
    "Clones seen, reference kept": "What a sample would show of the reference, of its clones and of what they held of "
    "it, if it had as many cells as the shallowest of the subject’s later samples of blood. “At” is how many distinct "
    "cells those are; where cells were read unequally often the effective ones are fewer.",
    "Infused, emergent, tumour": "Where a clone comes from, by where it was seen: product, blood before, tumour. "
    "Emergent is a clone of blood after the infusion that none of them shows and would not have missed; it takes "
    "20,000 effective cells of product and of blood before, and a tumour’s own clone those of the product.",
    "Expanded, contracted, unchanged": "A clone whose share changed, tested on effective cells, at a false discovery "
    "rate of 5 % within a pair of samples; one whose ratio lies surely between half and twice. Of all others, most of "
    "them small, nothing can be told.",
    "Not seen in it": "Cells of clones that the product does not show; some of these were in it and missed. The "
    "chance of each cell is in the table cell_labels.",
    "Effective cells": "How many cells, drawn one by one, would tell shares as well as the sample does: no more "
    "than its cells or its counts, fewer where cells are counted unequally. The limits rest on it.",
    "Counts": "Cells, molecules or reads that the indices rest on, as the file gives them.",
    "Richness": "Clones seen. It grows with depth.",
    "Chao1": "Least number of clones in the specimen, from how many were seen once and twice. None where cells were "
    "counted several times: such counts do not show which clones are of one cell.",
    "Hill q1": "Number of equally large clones that would have the same Shannon entropy: its exponential.",
    "Inverse Simpson": "Number of equally large clones that two cells drawn would share as often; large clones count.",
    "Clonality": "1 - Shannon entropy / ln(richness): 0 all clones alike, 1 a single clone.",
    "D50": "Fewest clones that together hold half of the repertoire.",
    "At equal cells, at equal coverage": "What samples would show if each held as many cells as the least of them, or "
    "enough to see as large a share of its repertoire. Equal cells tell which sample shows more clones, equal coverage "
    "which repertoire has more (Chao and Jost 2012; iNEXT’s estimates). Libraries, and samples whose cells were "
    "counted, have each a depth of their own; of cells read several times each, half tell at most. A sample of under "
    "100 effective cells takes no part.",
    "Morisita-Horn": "2 Σ xy / (Σ x² + Σ y²), x and y a clone’s shares of the two samples: the chance that a cell of "
    "each is of one clone, set against that of two cells of one sample.",
    "Morisita": "The same of the repertoires behind the samples, whatever their depth; it needs the "
    "effective cells of both. Its estimate may come out above 1 and is then shown as 1.",
    "V genes differ, lengths differ": "Jensen-Shannon divergence: 0 bits where both samples use them alike, 1 bit "
    "where they have none in common. Chance alone makes it larger the fewer clones there are.",
    "Seen once": "Share of clones with a count of 1. Where there is none, the table was probably cut at a smallest "
    "count, and its coverage and Chao1 mean nothing.",
    "Without anchors": "Share of clones whose junction lacks its first C or its last F or W. They are kept.",
    "Left out": "Rows without a usable receptor, by the rules under exclusions; of single cells their contigs.",
    "Coverage": "Share of the specimen’s repertoire that belongs to the clones seen.",
}
CLINICAL = {
    "Recorded, derived": "Recorded is what the reader wrote down: the endpoint. Derived follows from the lesions by "
    "RECIST 1.1 (Eisenhauer 2009) and stands beside it; it takes its place only for a subject and reader who recorded "
    "nothing.",
    "CR, PR, SD, PD, NE": "Complete and partial response, stable and progressive disease, not evaluable. NON-CR/NON-PD "
    "is what stable disease is called of lesions that are not measured.",
    "Confirmed": "A CR or PR that a later assessment, by default at least 28 days later, shows again.",
    "iRECIST": "Criteria for immunotherapies (Seymour 2017): a progression (iUPD) is confirmed by growth at the next "
    "assessment (iCPD) or taken back. Exploratory beside RECIST 1.1, from which all rates and times are.",
    "Best response": "The best of a subject’s responses up to the first progression or new therapy. Stable disease "
    "counts from a least number of days on: by default the first planned assessment less its window, else 42.",
    "ORR, DCR": "Objective response rate: subjects whose best response is CR or PR, of all infused. Disease control "
    "rate: those with CR, PR or SD. A subject without an assessment stays in the denominator.",
    "Deepest change": "Of the sum of diameters from baseline. Lymph nodes below 10 mm count as gone, so that a CR may "
    "lie above -100 %.",
    "Exact limits": "Clopper and Pearson’s: in 95 of 100 trials at least, such limits hold the true rate. Of few "
    "subjects they are wide: 0 of 10 is compatible with anything up to 31 %.",
    "OS, PFS, TTP, DOR, TTR": "Overall survival, progression-free survival, time to progression, duration of response, "
    "time to response. What each counts from stands in its row. DOR and TTR are of responders alone: they do not "
    "compare treatments.",
    "Event, censored": "The event was seen on that day; or the subject was without it when last looked at, and nobody "
    "knows of later. A censored time is no short time: it is a time of at least that.",
    "Median": "First day on which the Kaplan-Meier curve, or a limit of it, is at a half or below; where it "
    "lies flat at a half, the middle of the flat, as R’s quantile has it. Time is shown in months of 30.4375 days.",
    "not reached, cannot be estimated": "The curve (or its limit) never comes down to a half while subjects were "
    "followed; or there is nothing to find it from: no event, or nobody followed so long. No limits: a curve at 1 or "
    "0, where this kind of interval has none, however few the subjects.",
    "Median follow-up": "By the reverse Kaplan-Meier, which takes deaths for censored and the end of follow-up for the "
    "event: how long those alive were watched.",
    "Mean up to a day": "Area under the curve up to that day: months without the event, of those days, on average "
    "(restricted mean).",
    "FDA-type, EMA-type": "Where scans decide, two styles of censoring. FDA-type ends the time at the last adequate "
    "assessment before a new therapy, two missed visits or a progression that no scan shows. EMA-type goes on, and "
    "takes the event whenever it comes. See docs/clinical.md.",
}
SAFETY = {
    "Adverse event": "What was recorded as one, in the investigator’s words and grade; laboratory results beyond "
    "limits are none by themselves and stand in a table of their own.",
    "Counted": "Treatment-emergent events (TEAE): those that begin on or after the first dose (of lymphodepletion, "
    "where its day is known), or, by setting, all. Rows of subjects who were not treated, rows that repeat another and "
    "rows without a known subject, a term or a grade are not. The listing says why.",
    "Adverse event, system": "Preferred term (`pt`) where the file codes it, else the term; ways to write one that "
    "differ in case, blanks or hyphens, or as British and American spelling do, are one. No dictionary stands behind "
    "them.",
    "Worst grade": "The highest of a subject’s events of the line. Grade 3–4 is severe or life-threatening, 5 death; "
    "grade ≥ 3 holds all three, worst grade 3–4 nobody who died of an event of the line.",
    "Serious (SAE), immune-related (irAE), related": "As the investigator flagged them. Where no event has the flag "
    "there is no number; where some have none, it is told of how many. A relation that is unlikely or remote is none; "
    "a word that is not known is unspecified.",
    "Period": "Of the day an event begins: before lymphodepletion; lymphodepletion up to the first infusion; infusion "
    "up to the last one, or to the last dose of IL-2 where the study names its day; 30 days from the last infusion; "
    "later. The denominator of a period are those who reached it.",
    "Rate": "Subjects with a first event per 100 person-months at risk: from the first dose to that event or the end "
    "of follow-up, of those whose follow-up is known. None where all of them had the event: see when events begin.",
    "Begins, lasts": "Medians by Kaplan-Meier of all followed; days count from the first dose, which is day 1. Who has "
    "no event, or one that goes on, is censored at the end of follow-up. NE: not estimable, or not reached.",
    "CTCAE": "Common Terminology Criteria for Adverse Events, in the version that the study names. Versions differ: "
    "neutrophils of 0.3 × 10⁹/L are grade 4 by version 5 and grade 3 by version 6.",
    "Grade before treatment": "Of the last result before lymphodepletion. Some criteria rest on it.",
    "Clinically significant": "As the investigator called a result; never inferred from its value.",
    "× ULN": "Value over the upper limit of normal of its own record.",
    "Normalised": "At or below the upper limit, where the value before treatment was above it.",
    "GCIG": "Criteria of the Gynecologic Cancer InterGroup for CA-125, of ovarian cancer alone. NE: not evaluable.",
}
