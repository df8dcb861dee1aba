/* Starts and rewards of the pendulum as indices, in the order of its description. */
#ifndef ESP_TESTS_STARTS_H
#define ESP_TESTS_STARTS_H

enum { START_RANDOM, START_HANGING };
enum { REWARD_SPARSE, REWARD_DENSE, REWARD_MIXED };

#endif
