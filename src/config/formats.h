#pragma once
/* The names of the export formats for tables that are made when the program is built. */

/* "txt|srt|…". */
extern const char sc_format_choices_[];
#define SC_FORMAT_CHOICES (&sc_format_choices_[1])
/* "txt, srt, …". */
extern const char sc_format_list_[];
#define SC_FORMAT_LIST (&sc_format_list_[2])
