#include "config/formats.h"

#include "base/banned.h"

/* Each begins with its separator. */
const char sc_format_choices_[] =
#define SC_FORMAT(name, ...) "|" #name
#include "config/formats.def"
#undef SC_FORMAT
    ;

const char sc_format_list_[] =
#define SC_FORMAT(name, ...) ", " #name
#include "config/formats.def"
#undef SC_FORMAT
    ;
