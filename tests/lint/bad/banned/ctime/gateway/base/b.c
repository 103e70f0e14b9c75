int b(void);
int b(void)
{
	return (int)ctime (0);
}
