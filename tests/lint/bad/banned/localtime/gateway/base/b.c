int b(void);
int b(void)
{
	return (int)localtime (0);
}
