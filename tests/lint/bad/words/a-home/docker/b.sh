cd /root/paysieve
