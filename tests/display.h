/* An X server without a screen, for programs with a window. */
#ifndef ESP_TESTS_DISPLAY_H
#define ESP_TESTS_DISPLAY_H

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "check.h"

/* Starts Xvfb with a screen such as 640x480x24, on a display that it chooses; it ends with the
 * test. */
static inline void start_display(const char *screen)
{
    int ends[2];
    CU_ASSERT_FATAL(pipe(ends) == 0);
    fflush(NULL);
    pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) {
        char number[16];
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        snprintf(number, sizeof number, "%d", ends[1]);
        close(ends[0]);
        if (!freopen("/dev/null", "w", stderr)) _exit(126);
        execlp("Xvfb", "Xvfb", "-displayfd", number, "-screen", "0", screen, "-nolisten", "tcp", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    char display[16] = ":";
    size_t length = 1; /* the number comes byte by byte, then a line break */
    while (length < sizeof display - 1 && read(ends[0], display + length, 1) == 1 && display[length] != '\n') length++;
    close(ends[0]);
    CU_ASSERT_FATAL(length > 1);
    display[length] = 0;
    setenv("DISPLAY", display, 1);
}

#endif
