"""What a verb does, step by step: the only place where sources, modalities, tasks, models and exports meet."""
