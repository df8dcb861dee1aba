/* Where the MNIST files are. They are not part of the project, so a program that finds none says so and is
 * skipped. */
#ifndef ESP_TESTS_MNIST_H
#define ESP_TESTS_MNIST_H

#include <sys/stat.h>

#include "autoencoder/autoencoder.h"
#include "tests/check.h"

static inline const char *mnist_folder(void)
{
    const char *folder = getenv("ESPALIER_MNIST");
    return folder ? folder : ESP_SOURCE "/../shared/data/mnist";
}

/* Runs before main, so that the suite of a program that includes this need not ask. */
__attribute__((constructor)) static void skip_without_mnist(void)
{
    struct stat info;
    if (stat(mnist_folder(), &info) == 0 && S_ISDIR(info.st_mode)) return;
    printf("skipped: there is no folder '%s' (ESPALIER_MNIST names another)\n", mnist_folder());
    exit(77);
}

#endif
