"""What stands below a letter that solicits: how to get no more, for readers whose program has no button for it."""

from __future__ import annotations

from markupsafe import escape

from services.chassis.typography import typo

WORDS = {
    "fr": typo("Ne plus recevoir d'invitations ni de rappels de cette rencontre :"),
    "en": "Get no more invitations or reminders of this gathering:",
}
_END = "</td></tr>\n</table>\n</body>"


def stand(text: str, html: str, *, refusal: str, language: str) -> tuple[str, str]:
    """The two twins with the address of their refusal below; as they are when it is empty."""
    if not refusal:
        return text, html
    words = WORDS["fr" if language == "fr" else "en"]
    look = "font-family:Arial,Helvetica,sans-serif;font-size:12px;line-height:1.4"
    link = f'<a class="bare" href="{escape(refusal)}" style="color:#0c5a45;word-break:break-all">{escape(refusal)}</a>'
    foot = f'<p class="bare foot" style="margin:14px 16px 0;{look};color:#4f5f59">{words} {link}</p>\n'
    head, end, rest = html.rpartition(_END)
    return f"{text}\n{words}\n{refusal}\n", f"{head}{foot}{end}{rest}" if end else html
