"""Feedback for people: the questionnaire, its results, the account, and quotes taken back."""

from __future__ import annotations

from services.feedback.web import account, questionnaire, results, words

PAGES = (questionnaire.pages, results.pages, account.pages, words.pages)
