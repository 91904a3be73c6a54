"""Wording in zh and en: gettext catalogues, a sentence for every code."""
