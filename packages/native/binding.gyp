{
  "targets": [
    {
      "target_name": "millrace_native",
      "sources": [
        "addon/addon.c",
        "addon/datagram.c",
        "addon/descriptor.c",
        "addon/directory.c",
        "addon/epoll.c",
        "addon/file.c",
        "addon/futex.c",
        "addon/halt.c",
        "addon/memory.c",
        "addon/mqueue.c",
        "addon/owner.c",
        "addon/poll.c",
        "addon/posix-shm.c",
        "addon/process.c",
        "addon/rights.c",
        "addon/socket.c",
        "addon/sysv-queue.c",
        "addon/sysv-wait.c",
        "addon/sysv-shm.c"
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden"]
    }
  ]
}
