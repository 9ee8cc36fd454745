"""Tables and source pages in; tables, exports and dumps out.

table_format: the columns, rows and cells of tables
table_reader: CSV and XLSX, parsed to drafts
source_pages: the text of a source database's pages, parsed to drafts
importer: the changes that drafts make in the files of entries
table_writer: XLSX workbooks of entries, empty tables
citations: records as BibTeX, RIS, CSL-JSON and text
export: the whole catalogue in each format, and the dumps of releases
"""

import os

# Where lxml is installed, openpyxl would read with it, past defusedxml: entities, other errors.
os.environ["OPENPYXL_LXML"] = "False"
