{
  "targets": [
    {
      "target_name": "millrace_native",
      "sources": [
        "addon/addon.c",
        "addon/datagram.c",
        "addon/descriptor.c",
        "addon/epoll.c",
        "addon/file.c",
        "addon/memory.c",
        "addon/mqueue.c",
        "addon/poll.c",
        "addon/process.c",
        "addon/socket.c",
        "addon/sysv-queue.c",
        "addon/sysv-wait.c"
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden"]
    }
  ]
}
