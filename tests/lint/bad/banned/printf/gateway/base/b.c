int b(void);
int b(void)
{
	return (int)printf (0);
}
