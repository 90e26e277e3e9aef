/* The words that texts of the API may be, from the tables of the modules that they come from. */

#include "api/views.h"

#include "library/fsck.h"
#include "library/intakes.h"
#include "pipeline/removal.h"
#include "pipeline/verify.h"

#include "base/banned.h"

#define WORDS(name, type, count)                                            \
    const char *sc_words_##name(int index)                                  \
    {                                                                       \
        return index < (count) ? type##_to_string((enum type)index) : NULL; \
    }

WORDS(class, sc_class, SC_CLASS_COUNT_)
WORDS(stage, sc_stage, SC_STAGE_COUNT_)
WORDS(task_state, sc_task_state, SC_TASK_STATE_COUNT_)
WORDS(job_state, sc_job_state, SC_JOB_STATE_COUNT_)
WORDS(event_kind, sc_event_kind, SC_EVENT_KIND_COUNT_)
WORDS(clean_kind, sc_clean_kind, SC_CLEAN_KIND_COUNT_)
WORDS(verify_state, sc_verify_state, SC_VERIFY_STATE_COUNT_)
WORDS(fsck_phase, sc_fsck_phase, SC_FSCK_PHASE_COUNT_)
WORDS(fsck_kind, sc_fsck_kind, SC_FSCK_KIND_COUNT_)
WORDS(webhook_end, sc_webhook_end, SC_WEBHOOK_END_COUNT_)
WORDS(delivery_state, sc_delivery_state, SC_DELIVERY_STATE_COUNT_)
WORDS(intake_state, sc_intake_state, SC_INTAKE_STATE_COUNT_)
WORDS(measure, sc_measure, SC_MEASURE_COUNT_)

const char *sc_words_code(int index)
{
    return index + 1 < SC_CODE_COUNT_ ? sc_code_name((enum sc_code)(index + 1)) : NULL;
}

const char *sc_words_scope(int index)
{
    return index < SC_SCOPE_COUNT_ ? sc_scope_names[index] : NULL;
}

/* Without the word for nothing. */
const char *sc_words_dimension(int index)
{
    return index + 1 < SC_DIMENSION_COUNT_ ? sc_dimension_to_string((enum sc_dimension)(index + 1))
                                           : NULL;
}

const char *sc_words_damage(int index)
{
    return index + 1 < SC_FILE_DAMAGE_COUNT_
               ? sc_file_damage_to_string((enum sc_file_damage)(index + 1))
               : NULL;
}

const char *sc_words_webhook_event(int index)
{
    enum sc_event_kind kind;
    if (sc_webhook_kind(index, &kind))
        return sc_event_kind_to_string(kind);
    return sc_webhook_kind(index - 1, &kind) ? "*" : NULL;
}
