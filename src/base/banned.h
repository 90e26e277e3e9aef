#pragma once
/* Functions with a safer form in this code base; naming one does not compile. */
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atof gmtime localtime asctime ctime gets
