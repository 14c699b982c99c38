/*
 * Mapped memory as an ArrayBuffer.
 *
 * A mapping has two users: the ArrayBuffer (its finalizer runs when V8 drops the memory) and the handle with which
 * TypeScript unmaps it. Unmapping detaches the ArrayBuffer first, so that later reads see length 0 and never the
 * unmapped pages. The structure goes when both users are gone.
 */
#include "addon.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

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
  char name[128];
  size_t used;
  if (napi_get_value_string_utf8(env, argv[0], name, sizeof name, &used) != napi_ok) return ret_int(env, -EINVAL);
  int64_t length = arg_int64(env, argv[1]);
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
  if (napi_create_external(env, map, drop_handle, NULL, &handle) != napi_ok) {
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
  int64_t length = arg_int64(env, argv[1]);
  if (length <= 0) return ret_int(env, -EINVAL);
  void *address = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED, arg_int(env, argv[0]), 0);
  if (address == MAP_FAILED) return ret_sys(env, -1);
  return wrap_mapping(env, address, (size_t)length);
}

/* unmap(ArrayBuffer, handle) -> 0; every view of the ArrayBuffer has length 0 from here on */
static napi_value memory_unmap(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  void *data = NULL;
  if (napi_get_value_external(env, argv[1], &data) != napi_ok || data == NULL) return ret_int(env, -EINVAL);
  mapping *map = data;
  if (map->address == NULL) return ret_int(env, 0);
  if (napi_detach_arraybuffer(env, argv[0]) != napi_ok) return ret_int(env, -EINVAL);
  unmap(map);
  return ret_int(env, 0);
}

const addon_function memory_functions[] = {
    {"memfd", memory_memfd}, {"map", memory_map}, {"unmap", memory_unmap}, {NULL, NULL}};
