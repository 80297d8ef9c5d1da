"""What a run found, as one record (`report.json`) and for people (terminal, Markdown)."""
