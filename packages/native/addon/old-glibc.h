/*
 * Binaries of a published package are built on a newer system than some that they run on. Without this they would ask
 * for the versions that these functions got when glibc 2.32 and 2.34 moved them from libpthread to libc; the older
 * versions are the same functions, there and here. With it the addon runs wherever Node 20 does (glibc 2.28).
 */
#ifndef MILLRACE_OLD_GLIBC_H
#define MILLRACE_OLD_GLIBC_H

#include <features.h>

#if defined(__GLIBC__) && defined(__x86_64__)
#define AS_OF(FUNCTION, SINCE) __asm__(".symver " #FUNCTION "," #FUNCTION "@GLIBC_" SINCE)
AS_OF(pthread_setname_np, "2.12");
AS_OF(pthread_attr_setstacksize, "2.2.5");
AS_OF(pthread_cancel, "2.2.5");
AS_OF(pthread_create, "2.2.5");
AS_OF(pthread_detach, "2.2.5");
AS_OF(pthread_join, "2.2.5");
AS_OF(pthread_sigmask, "2.2.5");
AS_OF(sem_destroy, "2.2.5");
AS_OF(sem_init, "2.2.5");
AS_OF(sem_post, "2.2.5");
AS_OF(sem_wait, "2.2.5");
#elif defined(__GLIBC__) && defined(__aarch64__)
#define AS_OF(FUNCTION) __asm__(".symver " #FUNCTION "," #FUNCTION "@GLIBC_2.17")
AS_OF(pthread_setname_np);
AS_OF(pthread_attr_setstacksize);
AS_OF(pthread_cancel);
AS_OF(pthread_create);
AS_OF(pthread_detach);
AS_OF(pthread_join);
AS_OF(pthread_sigmask);
AS_OF(sem_destroy);
AS_OF(sem_init);
AS_OF(sem_post);
AS_OF(sem_wait);
#endif

#endif
