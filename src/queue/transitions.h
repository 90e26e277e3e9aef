#pragma once
/* Which changes of state are legal. Every change goes through here: an illegal one is a bug. */

#include "queue/queue.h"

bool sc_job_may_move(enum sc_job_state from, enum sc_job_state to);
bool sc_task_may_move(enum sc_task_state from, enum sc_task_state to);
bool sc_admission_may_move(enum sc_admission from, enum sc_admission to);
