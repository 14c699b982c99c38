/* Sleeping on a word of shared memory, across processes (hence never FUTEX_PRIVATE_FLAG). */
#include "addon.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 128

/* As the kernel has them since 5.16; the headers of older systems do not. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define MILLRACE_FUTEX_32 2
typedef struct {
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
} waited_word;

/* A word that is inside of its memory and where an atomic operation may be; NULL otherwise. */
static uint32_t *arg_word(napi_env env, napi_value bytes, int64_t offset) {
  uint8_t *at = arg_bytes(env, bytes, offset, sizeof(uint32_t));
  return (uintptr_t)at % sizeof(uint32_t) == 0 ? (uint32_t *)at : NULL;
}

/* futexWait(bytes, offset, expected, milliseconds) -> 0 woken, -EAGAIN other value, -ETIMEDOUT, -EINTR; BLOCKS */
static napi_value futex_wait(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  SIZE(offset, 1);
  WORD(expected, 2);
  INTEGER(timeoutMs, 3, 0, MAX_SAFE);
  uint32_t *word = arg_word(env, argv[0], offset);
  if (word == NULL) return ret_int(env, -EFAULT);
  struct timespec timeout = {.tv_sec = timeoutMs / 1000, .tv_nsec = timeoutMs % 1000 * 1000000};
  return ret_sys(env, syscall(SYS_futex, word, FUTEX_WAIT, expected, &timeout, NULL, 0));
}

/* futexWake(bytes, offset, most) -> how many were woken */
static napi_value futex_wake(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  SIZE(offset, 1);
  INTEGER(most, 2, 0, INT32_MAX);
  uint32_t *word = arg_word(env, argv[0], offset);
  if (word == NULL) return ret_int(env, -EFAULT);
  return ret_sys(env, syscall(SYS_futex, word, FUTEX_WAKE, (int)most, NULL, NULL, 0));
}

/* addressOf(bytes, offset) -> where a word of mapped memory lies, for futexWaitAny in another thread; 0: nowhere */
static napi_value futex_address_of(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  SIZE(offset, 1);
  napi_value out;
  napi_create_double(env, (double)(uintptr_t)arg_word(env, argv[0], offset), &out);
  return out;
}

/* futexWaitAny(addresses, expected, count, milliseconds) -> index of one that was woken, -EAGAIN, -ETIMEDOUT, -EFAULT
   when one is mapped no more; BLOCKS. Addresses are doubles, expected values uint32; the kernel reads and compares. */
static napi_value futex_wait_any(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  SIZE(count, 2);
  INTEGER(timeoutMs, 3, 0, MAX_SAFE);
  if (count < 1 || count > MAX_WORDS) return ret_int(env, -EINVAL);
  uint8_t *addresses = arg_bytes(env, argv[0], 0, count * (int64_t)sizeof(double));
  uint8_t *expected = arg_bytes(env, argv[1], 0, count * (int64_t)sizeof(uint32_t));
  if (addresses == NULL || expected == NULL) return ret_int(env, -EFAULT);
  waited_word words[MAX_WORDS];
  for (size_t i = 0; i < (size_t)count; i++) {
    double address;
    uint32_t value;
    memcpy(&address, addresses + i * sizeof address, sizeof address);
    memcpy(&value, expected + i * sizeof value, sizeof value);
    if (!(address >= 0 && address <= (double)MAX_SAFE)) return ret_int(env, -EFAULT);
    words[i] = (waited_word){
        .value = value, .address = (uint64_t)address, .flags = MILLRACE_FUTEX_32, .reserved = 0};
  }
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += timeoutMs / 1000;
  until.tv_nsec += timeoutMs % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  return ret_sys(env, syscall(SYS_futex_waitv, words, (unsigned)count, 0, &until, CLOCK_MONOTONIC));
}

const addon_function futex_functions[] = {{"futexWait", futex_wait},
                                          {"futexWake", futex_wake},
                                          {"addressOf", futex_address_of},
                                          {"futexWaitAny", futex_wait_any},
                                          {NULL, NULL}};
