/*
 * uv_poll: reports a readable or writable descriptor to the loop of the thread that asked.
 *
 * A watcher has two users, the JavaScript handle and libuv; it is freed when both have let go. A thread that ends
 * with open watchers closes them through the asynchronous cleanup hook, which Node waits for.
 */
#include "addon.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <uv.h>

static const napi_type_tag WATCHER = {0x6d696c6c72616365, 0x0077617463686572};

typedef struct {
  uv_poll_t handle;
  napi_env env;
  napi_ref callback;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  int users;
  bool closing;
  bool wants_edges;
} watcher;

static void release(watcher *watch) {
  if (--watch->users == 0) free(watch);
}

static void drop_handle(napi_env env, void *data, void *hint) { release(data); }

static void on_closed(uv_handle_t *handle) {
  watcher *watch = handle->data;
  napi_remove_async_cleanup_hook(watch->cleanup);
  release(watch);
}

/* The callback's references are given up here, while the environment can still run JavaScript. */
static void begin_close(watcher *watch) {
  if (watch->closing) return;
  watch->closing = true;
  uv_poll_stop(&watch->handle);
  if (watch->callback != NULL) napi_delete_reference(watch->env, watch->callback);
  if (watch->context != NULL) napi_async_destroy(watch->env, watch->context);
  watch->callback = NULL;
  watch->context = NULL;
  uv_close((uv_handle_t *)&watch->handle, on_closed);
}

static void on_thread_end(napi_async_cleanup_hook_handle cleanup, void *data) { begin_close(data); }

/*
 * libuv watches by levels alone, and enters the descriptor into its epoll instance once, before its first event: from then on the
 * entry is changed here. Where a libuv enters it again, events come by levels as before, which who asks for edges must survive.
 */
static void ask_for_edges(watcher *watch) {
  uv_os_fd_t fd;
  watch->wants_edges = false;
  if (uv_fileno((uv_handle_t *)&watch->handle, &fd) != 0) return;
  struct epoll_event asked = {.events = EPOLLIN | EPOLLET};
  asked.data.fd = fd;
  epoll_ctl(uv_backend_fd(watch->handle.loop), EPOLL_CTL_MOD, fd, &asked);
}

static void on_event(uv_poll_t *handle, int status, int events) {
  watcher *watch = handle->data;
  if (watch->wants_edges) ask_for_edges(watch);
  napi_env env = watch->env;
  napi_handle_scope scope;
  if (watch->closing || napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value callback, global, argv[2];
  napi_get_reference_value(env, watch->callback, &callback);
  napi_get_global(env, &global);
  napi_create_int32(env, status, &argv[0]);
  napi_create_int32(env, events, &argv[1]);
  /* make_callback runs nextTick and promise jobs afterwards, as any callback of Node does */
  if (napi_make_callback(env, watch->context, global, callback, 2, argv, NULL) == napi_pending_exception) {
    napi_value error;
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

/* pollOpen(fd, callback(status, events)) -> handle or -errno; events are 1 readable, 2 writable, 4 hung up */
static napi_value poll_open(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INT(fd, 0);
  napi_valuetype type;
  if (napi_typeof(env, argv[1], &type) != napi_ok || type != napi_function) {
    throw_argument(env, call, "callback", "a function", argv[1]);
    return NULL;
  }
  uv_loop_t *loop;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return ret_int(env, -ENOTSUP);
  watcher *watch = calloc(1, sizeof *watch);
  if (watch == NULL) return ret_int(env, -ENOMEM);
  int failed = uv_poll_init(loop, &watch->handle, fd);
  if (failed < 0) {
    free(watch);
    return ret_int(env, failed);
  }
  watch->env = env;
  watch->handle.data = watch;
  watch->users = 1; /* libuv's */
  napi_value name, external;
  napi_create_string_utf8(env, "millrace:poll", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, NULL, name, &watch->context);
  napi_create_reference(env, argv[1], 1, &watch->callback);
  napi_add_async_cleanup_hook(env, on_thread_end, watch, &watch->cleanup);
  if (create_handle(env, &WATCHER, watch, drop_handle, &external) != napi_ok) {
    begin_close(watch);
    return ret_int(env, -ENOMEM);
  }
  watch->users++;
  return external;
}

/* Declares `watch` from argv[0]; returns when it is no handle of pollOpen, or one that has been closed. */
#define WATCHER_ARGUMENT                                                                                         \
  watcher *watch = arg_handle(env, call, &WATCHER, "a handle of pollOpen", argv[0]);                             \
  if (watch == NULL) return NULL;                                                                              \
  if (watch->closing) return ret_int(env, -EBADF)

/* pollStart(handle, events) -> 0; events 0 stops */
static napi_value poll_start(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  /* libuv aborts the process for any other bit. */
  INTEGER(events, 1, 0, UV_READABLE | UV_WRITABLE | UV_DISCONNECT | UV_PRIORITIZED);
  WATCHER_ARGUMENT;
  return ret_int(env, events == 0 ? uv_poll_stop(&watch->handle) : uv_poll_start(&watch->handle, (int)events, on_event));
}

/* pollEdges(handle) -> 0; from the first event on, whoever reads the descriptor or not, one event for each time that it was written to */
static napi_value poll_edges(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  WATCHER_ARGUMENT;
  watch->wants_edges = true;
  return ret_int(env, 0);
}

/* pollRef(handle, on) -> 0; says whether the watcher keeps the loop alive */
static napi_value poll_ref(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  FLAG(on, 1);
  WATCHER_ARGUMENT;
  if (on) uv_ref((uv_handle_t *)&watch->handle);
  else uv_unref((uv_handle_t *)&watch->handle);
  return ret_int(env, 0);
}

/* pollClose(handle) -> 0; the descriptor itself stays open and may be closed afterwards */
static napi_value poll_close(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  watcher *watch = arg_handle(env, call, &WATCHER, "a handle of pollOpen", argv[0]);
  if (watch == NULL) return NULL;
  begin_close(watch);
  return ret_int(env, 0);
}

const addon_function poll_functions[] = {
    {"pollOpen", poll_open}, {"pollStart", poll_start}, {"pollEdges", poll_edges},
    {"pollRef", poll_ref},   {"pollClose", poll_close}, {NULL, NULL}};
