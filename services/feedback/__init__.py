"""What it was like: questionnaires, answers, quotes, and the account of the day."""
