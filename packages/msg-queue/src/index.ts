/** Still to come: POSIX and System V message queues, and channels over them. */
export {};
