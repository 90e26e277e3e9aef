#pragma once
/* One name per statement of src/store/sql/<aggregate>.sql (tools/embed-sql.py). */
enum sc_sql {
#define SC_SQL(name) SC_SQL_##name,
#include "store/sql-names.h"
#undef SC_SQL
    SC_SQL_COUNT_
};
