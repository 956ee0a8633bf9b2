"""What it was like: questionnaires, answers, quotes and the published account."""
