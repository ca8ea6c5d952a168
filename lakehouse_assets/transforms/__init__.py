"""HOW a table is computed: one `.sql` file a table in the checked portable subset, named as the table."""
