#pragma once
/* Formats and their options on the command line, made from the tables of transcript/writer.h. */

#include "cli/args.h"
#include "transcript/writer.h"

#include "base/buf.h"

/* Flags of every option of an export; ends with a row without name. The caller frees the array and
 * all its strings with it. */
struct sc_flag *sc_export_flags_new(void);
/* The flag of both commands that write captions. */
#define SC_RAW_FLAG                                         \
    {                                                       \
        "raw", 0, SC_FLAG_SWITCH, NULL,                     \
            "Captions as the engine cut them; the same as " \
            "--captions=off"                                \
    }
/* The format that --format names, which the ending of a format in `output` may not contradict; else
 * the one that the ending of `output` names (NULL, or "-": standard output), else txt where there
 * is no ending. An ending that no format has is refused (field "output"): nobody means text by
 * talk.docx. */
SC_MUST_USE enum sc_code sc_export_choose(const struct sc_args *args, const char *output,
                                          const struct sc_format **out, struct sc_error *err);
/* What is no text goes neither to a terminal nor, several of it, into one stream: refused (field
 * "output"). files: that are written to standard output, 0: it goes elsewhere. */
SC_MUST_USE enum sc_code sc_export_check_stream(const struct sc_format *format, bool terminal,
                                                size_t files, struct sc_error *err);
/* Appends the options that were given as query parameters: "?max_lines=1&words=on", nothing when
 * there are none. What the server would refuse is refused here. revision 0: the current one. */
SC_MUST_USE enum sc_code sc_export_query(const struct sc_args *args, const struct sc_format *format,
                                         int64_t revision, struct sc_buf *out,
                                         struct sc_error *err);
