"""What a person reads: documents, wording in zh and en, charts, rendering."""
