#include "addon.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What each environment that loads the addon has of its own: the function that makes the error of a bad argument. */
typedef struct {
  napi_ref make_error;
} instance;

void throw_argument(napi_env env, const char *call, const char *argument, const char *expected, napi_value value) {
  instance *own = NULL;
  napi_value make, global, error, argv[4] = {NULL, NULL, NULL, value};
  /* A call that could not even read its arguments: the thread is ending. */
  if (call == NULL || value == NULL) return;
  if (napi_get_instance_data(env, (void **)&own) != napi_ok || own == NULL || own->make_error == NULL ||
      napi_get_reference_value(env, own->make_error, &make) != napi_ok || make == NULL) {
    napi_throw_type_error(env, "ERR_MILLRACE_ARGUMENT", argument);
    return;
  }
  const char *texts[] = {call, argument, expected};
  for (int i = 0; i < 3; i++) napi_create_string_utf8(env, texts[i], NAPI_AUTO_LENGTH, &argv[i]);
  napi_get_global(env, &global);
  /* What it throws itself is pending then. */
  if (napi_call_function(env, global, make, 4, argv, &error) == napi_ok) napi_throw(env, error);
}

bool arg_integer_failed(napi_env env, const char *call, napi_value value, const char *name, int64_t min, int64_t max) {
  char expected[96], argument[32];
  /* INT and WORD put a `_` behind the name of what they check. */
  snprintf(argument, sizeof argument, "%s", name);
  size_t length = strlen(argument);
  if (length > 0 && argument[length - 1] == '_') argument[length - 1] = 0;
  snprintf(expected, sizeof expected, "an integer from %" PRId64 " to %" PRId64, min, max);
  throw_argument(env, call, argument, expected, value);
  return false;
}

int arg_string(napi_env env, const char *call, napi_value value, const char *name, char *out, size_t bytes) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
    throw_argument(env, call, name, "a string", value);
    return -1;
  }
  if (length >= bytes) return 0;
  napi_get_value_string_utf8(env, value, out, bytes, &length);
  if (memchr(out, 0, length) != NULL) {
    throw_argument(env, call, name, "a string without a NUL", value);
    return -1;
  }
  return 1;
}

napi_status create_handle(napi_env env, const napi_type_tag *tag, void *data, napi_finalize finalize, napi_value *out) {
  napi_status status = napi_create_external(env, data, finalize, NULL, out);
  /* One that could not be tagged is refused wherever it comes back; its finalizer still frees what it stands for. */
  if (status == napi_ok) napi_type_tag_object(env, *out, tag);
  return status;
}

void *arg_handle(napi_env env, const char *call, const napi_type_tag *tag, const char *expected, napi_value value) {
  napi_valuetype type;
  bool same = false;
  void *data = NULL;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_external &&
      napi_check_object_type_tag(env, value, tag, &same) == napi_ok && same &&
      napi_get_value_external(env, value, &data) == napi_ok) {
    return data;
  }
  throw_argument(env, call, "handle", expected, value);
  return NULL;
}

/* onBadArgument(make: (call, argument, expected, value) => Error); what every function throws from here on */
static napi_value on_bad_argument(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value make;
  instance *own = NULL;
  napi_get_cb_info(env, info, &argc, &make, NULL, NULL);
  if (napi_get_instance_data(env, (void **)&own) != napi_ok || own == NULL) return NULL;
  if (own->make_error != NULL) napi_delete_reference(env, own->make_error);
  own->make_error = NULL;
  napi_create_reference(env, make, 1, &own->make_error);
  return NULL;
}

/* The reference goes with its environment. */
static void drop_instance(napi_env env, void *data, void *hint) { free(data); }

static bool add(napi_env env, napi_value exports, const char *name, napi_callback call) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, call, (void *)name, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

/* The well-known symbol, not NAPI_MODULE: it is found again in every thread that loads the file. */
NAPI_MODULE_INIT() {
  const addon_function *lists[] = {datagram_functions, descriptor_functions, epoll_functions,   file_functions,
                                   memory_functions,   poll_functions,       process_functions,  rights_functions,
                                   socket_functions,   mqueue_functions,     sysv_queue_functions, sysv_wait_functions,
                                   futex_functions,    posix_shm_functions,  sysv_shm_functions, directory_functions, owner_functions,
                                   halt_functions};
  instance *own = calloc(1, sizeof *own);
  if (own == NULL || napi_set_instance_data(env, own, drop_instance, NULL) != napi_ok) {
    free(own);
    return NULL;
  }
  if (!add(env, exports, "onBadArgument", on_bad_argument)) return NULL;
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    for (const addon_function *list = lists[i]; list->name != NULL; list++) {
      if (!add(env, exports, list->name, list->call)) return NULL;
    }
  }
  return exports;
}
