/* Whether this program was built with a sanitizer, which brings its own allocator, reserves terabytes of addresses
 * and keeps freed memory. */
#ifndef ESP_TESTS_SANITIZED_H
#define ESP_TESTS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
