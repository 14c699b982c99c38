#include "addon.h"

static bool add_all(napi_env env, napi_value exports, const addon_function *list) {
  for (; list->name != NULL; list++) {
    napi_value function;
    if (napi_create_function(env, list->name, NAPI_AUTO_LENGTH, list->call, NULL, &function) != napi_ok) return false;
    if (napi_set_named_property(env, exports, list->name, function) != napi_ok) return false;
  }
  return true;
}

/* The well-known symbol, not NAPI_MODULE: it is found again in every thread that loads the file. */
NAPI_MODULE_INIT() {
  const addon_function *lists[] = {datagram_functions, descriptor_functions, epoll_functions,   file_functions,
                                   memory_functions,   poll_functions,       process_functions,  rights_functions,
                                   socket_functions,   mqueue_functions,     sysv_queue_functions, sysv_wait_functions,
                                   futex_functions,    posix_shm_functions,  sysv_shm_functions, directory_functions, owner_functions};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    if (!add_all(env, exports, lists[i])) return NULL;
  }
  return exports;
}
