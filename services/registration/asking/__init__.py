"""What a gathering asks beside a name: questions as plain values, and answers read and shown. No database, no page."""
