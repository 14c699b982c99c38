/*
 * Mapped memory as an ArrayBuffer.
 *
 * A mapping has two users: the ArrayBuffer (its finalizer runs when V8 drops the memory) and the handle with which
 * TypeScript unmaps it. Unmapping detaches the ArrayBuffer first, so that later reads see length 0 and never the
 * unmapped pages. The structure goes when both users are gone.
 */
#include "addon.h"

#include <fcntl.h>
#include <limits.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const napi_type_tag MAPPING = {0x6d696c6c72616365, 0x006d617070696e67};

typedef struct {
  void *address;
  size_t length;
  int users;
} mapping;

static void unmap(mapping *map) {
  if (map->address != NULL) munmap(map->address, map->length);
  map->address = NULL;
}

static void drop_buffer(napi_env env, void *data, void *hint) {
  mapping *map = hint;
  unmap(map);
  if (--map->users == 0) free(map);
}

static void drop_handle(napi_env env, void *data, void *hint) {
  mapping *map = data;
  if (--map->users == 0) free(map);
}

/* memfd(name, length) -> fd; pages are reserved now (a full /dev/shm is ENOSPC here and never a SIGBUS later) and
   the size is sealed, so that nobody who holds the descriptor can pull the pages from under the others. */
static napi_value memory_memfd(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  NAME_STRING(name, 0, NAME_MAX + 1);
  SIZE(length, 1);
  if (length <= 0) return ret_int(env, -EINVAL);
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return ret_sys(env, fd);
  if (ftruncate(fd, length) < 0 || fallocate(fd, 0, 0, length) < 0 ||
      fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
    int error = errno;
    close(fd);
    return ret_int(env, -error);
  }
  return ret_int(env, fd);
}

napi_value wrap_mapping(napi_env env, void *address, size_t length) {
  mapping *map = malloc(sizeof *map);
  if (map == NULL) {
    munmap(address, length);
    return ret_int(env, -ENOMEM);
  }
  *map = (mapping){.address = address, .length = length, .users = 1};
  napi_value pair, buffer, handle;
  if (create_handle(env, &MAPPING, map, drop_handle, &handle) != napi_ok) {
    unmap(map);
    free(map);
    return ret_int(env, -ENOMEM);
  }
  map->users = 2;
  if (napi_create_external_arraybuffer(env, address, length, drop_buffer, map, &buffer) != napi_ok) {
    unmap(map);
    map->users = 1; /* the handle's finalizer frees it */
    return ret_int(env, -ENOTSUP);
  }
  napi_create_array_with_length(env, 2, &pair);
  napi_set_element(env, pair, 0, buffer);
  napi_set_element(env, pair, 1, handle);
  return pair;
}

/* map(fd, length) -> [ArrayBuffer, handle] or -errno; shared, readable and writable */
static napi_value memory_map(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  SIZE(length, 1);
  if (length <= 0) return ret_int(env, -EINVAL);
  void *address = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) return ret_sys(env, -1);
  return wrap_mapping(env, address, (size_t)length);
}

/* unmap(ArrayBuffer, handle) -> 0; every view of the ArrayBuffer has length 0 from here on. An ArrayBuffer that has been
   detached meanwhile (`transfer()`, Node 21) has given its pages to another one, in which they stay until that one is
   collected: to unmap them would leave it with memory that is not there. */
static napi_value memory_unmap(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  mapping *map = arg_handle(env, call, &MAPPING, "a handle of map or shmAttach", argv[1]);
  if (map == NULL) return NULL;
  void *data = NULL;
  size_t length = 0;
  if (napi_get_arraybuffer_info(env, argv[0], &data, &length) != napi_ok) {
    throw_argument(env, call, "buffer", "an ArrayBuffer", argv[0]);
    return NULL;
  }
  bool detached = false;
  napi_is_detached_arraybuffer(env, argv[0], &detached);
  if (map->address == NULL || detached) return ret_int(env, 0);
  if (data != map->address || napi_detach_arraybuffer(env, argv[0]) != napi_ok) return ret_int(env, -EINVAL);
  unmap(map);
  return ret_int(env, 0);
}

/* trim() -> 1 where unused memory of the allocator went back to the kernel, 0: there was none, or it does that by itself */
static napi_value memory_trim(napi_env env, napi_callback_info info) {
  (void)info;
#ifdef __GLIBC__
  return ret_int(env, malloc_trim(0));
#else
  return ret_int(env, 0);
#endif
}

/* keepFreed(bytes, mapFrom) -> 1 where the allocator keeps up to `bytes` that were freed at the end of its memory, and maps
   requests of `mapFrom` bytes or more by themselves; 0: another C library, which decides by itself. Setting the first alone
   would end glibc's own measure for the second. */
static napi_value memory_keep_freed(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INTEGER(bytes, 0, 0, INT_MAX);
  INTEGER(mapFrom, 1, 0, INT_MAX);
#ifdef __GLIBC__
  return ret_int(env, mallopt(M_TRIM_THRESHOLD, (int)bytes) & mallopt(M_MMAP_THRESHOLD, (int)mapFrom));
#else
  (void)bytes;
  (void)mapFrom;
  return ret_int(env, 0);
#endif
}

const addon_function memory_functions[] = {{"memfd", memory_memfd},
                                           {"map", memory_map},
                                           {"unmap", memory_unmap},
                                           {"trim", memory_trim},
                                           {"keepFreed", memory_keep_freed},
                                           {NULL, NULL}};
