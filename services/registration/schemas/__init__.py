"""What registration takes in and gives out over HTTP: shapes, not rules; one file for each noun."""
