/* Undefines what a user of options.def defined; no include guard on purpose. */
#undef SC_OPTION_TEXT
#undef SC_OPTION_INT
#undef SC_OPTION_BOOL
#undef SC_OPTION_SIZE
#undef SC_OPTION_DURATION
#undef SC_OPTION_ENUM
#undef SC_OPTION_LIST
