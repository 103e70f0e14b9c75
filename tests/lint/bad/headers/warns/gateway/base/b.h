#ifndef BASE_B_H
#define BASE_B_H

int b();

#endif
