#pragma once
/* Functions with a safer form in this code base; naming one does not compile. Included last, since
 * the headers of libraries may name them. Fortified builds have macros of some of these names. */
#undef sprintf
#undef strcat
#undef strcpy
#undef vsprintf
#pragma GCC poison asctime atof atoi atol ctime gets gmtime localtime
#pragma GCC poison sprintf strcat strcpy strtok vsprintf
