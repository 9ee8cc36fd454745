"""Findings: what is wrong with a catalogue, where, and what would be right, in words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .phrases import Phrases
from .records import Reader


@dataclass(frozen=True)
class Finding:
    """Something wrong, in words of the chosen language; rule and severity are SHACL's names."""

    path: Path
    line: int | None
    rule: str
    shape: str
    severity: str
    level: str
    focus: str
    subject: str
    field: str
    value: str
    reason: str
    hint: str

    @property
    def violates(self) -> bool:
        """Tell whether the catalogue does not admit it; warnings and notes it does."""
        return self.severity == "Violation"

    def __str__(self) -> str:
        """Give the finding on one line: file, entry, field, value, reason, rule."""
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        about = [self.subject or self.focus, self.field, self.value and f"“{self.value}”"]
        said = ": ".join([place, self.level, *(part for part in about if part), self.reason])
        if self.hint:
            said += f" · {self.hint}"
        return f"{said} [{' '.join(part for part in (self.shape, self.rule) if part)}]"


@dataclass(frozen=True)
class Checked:
    """What a check has found, with its summary in words."""

    findings: tuple[Finding, ...]
    summary: str

    @property
    def violations(self) -> int:
        """Count what the catalogue does not admit."""
        return sum(finding.violates for finding in self.findings)


@dataclass(frozen=True)
class Reporter:
    """Words findings in the first of the languages."""

    phrases: Phrases
    reader: Reader
    languages: Sequence[str]

    def violation(
        self,
        path: Path,
        rule: str,
        focus: str = "",
        *,
        reason: str = "",
        field: str = "",
        value: str = "",
        hint: str = "",
    ) -> Finding:
        """Give a violation of a rule of our own; its reason is else the phrase of that name."""
        return Finding(
            path=path,
            line=None,
            rule=rule,
            shape="",
            severity="Violation",
            level=self.say("Violation"),
            focus=focus,
            subject=self.reader.name(focus, self.languages) if focus else "",
            field=field,
            value=value,
            reason=reason or self.say(rule),
            hint=hint,
        )

    def as_warning(self, finding: Finding) -> Finding:
        """Give a finding as one that the catalogue admits."""
        return replace(finding, severity="Warning", level=self.say("Warning"))

    def say(self, name: str, /, **words: object) -> str:
        """Give a phrase."""
        return self.phrases.say(name, self.languages, **words)
