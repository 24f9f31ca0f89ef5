"""The clinic: trainings that are made sick on purpose, and healthy ones, on which the doctor is tried.

    data       the data sets, in small draws; some are kept for the final part, others for the fresh one
    networks   a plain network that can be given one fault at a time
    spoil      what is done to items
    faults     what can be wrong: one entry each, with what must be found, said before any check looks
    questions  faults that people asked about, made anew from the facts
    cases      which runs there are: a list that follows from a seed
    carry      one case carried out: data, run folder, findings
    healthy    the best of twenty recipes for each draw, and healthy variations of it
    score      recall, precision and false alarms with their intervals
    repair     sick runs: treated, left alone, searched at random, begun anew

`bench/doctor.py` is the command.
"""
