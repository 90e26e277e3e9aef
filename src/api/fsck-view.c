#include "api/views.h"

#include "library/fsck.h"

#include "base/banned.h"

void sc_fsck_slice_fields(struct sc_json *w, int phase, const struct sc_fsck_slice *slice)
{
    char next[40];
    sc_fsck_place_format(&slice->next, next);
    sc_json_text(w, "phase", sc_fsck_phase_to_string((enum sc_fsck_phase)phase));
    sc_json_int(w, "checked", slice->checked);
    sc_json_real(w, "percent", slice->percent, 1);
    sc_json_text(w, "next", slice->done ? NULL : next);
}
