"""What one column of a table is: how its values are recognised, decoded, drawn as small pictures and summarised."""
